import { readFileSync } from 'node:fs'

/*
 * Loaded before the program of a service (`node --import`): its wall clock is off by the ms that CLOCK_OFFSET_FILE holds, as after
 * a step of the clock of its machine. Steady clocks and timers go on evenly, as they do then.
 */
const file = process.env.CLOCK_OFFSET_FILE
const READ_EVERY_MS = 50
let offsetMs = 0

const readOffset = () => {
  try {
    offsetMs = Number(readFileSync(file!, 'utf8'))
  } catch {
    // Without the file the clock was never stepped.
  }
}

if (file !== undefined) {
  const MachineDate = Date
  const machineNow = Date.now
  readOffset()
  setInterval(readOffset, READ_EVERY_MS).unref()
  MachineDate.now = () => machineNow() + offsetMs
  globalThis.Date = new Proxy(MachineDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
    apply: (target) => new target(target.now()).toString(),
  })
}
