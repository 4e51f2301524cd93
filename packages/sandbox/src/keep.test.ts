import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startKeeper } from './keep.ts'

const newFolder = () => join(tmpdir(), `keep-test-${randomUUID()}`)

const aKeeper = async () => {
  const keeper = await startKeeper(newFolder())
  onTestFinished(() => keeper.end())
  return keeper
}

const nodeProgram = (folder: string, code: string) => ({
  command: process.execPath,
  args: ['--eval', code],
  logFile: join(folder, 'log'),
  env: {},
})

/** A server that programs connect to: the connection's end is the sign that its program is gone. */
const aServer = async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const connected = once(server, 'connection').then(([socket]: Socket[]) => socket!)
  return { connected, holdOn: `require('net').connect(${port}, '127.0.0.1').on('error', () => {})` }
}

test('a program runs until it exits by itself, and what it prints is in its log', async () => {
  const keeper = await aKeeper()
  const program = nodeProgram(keeper.folder, 'console.log("hello"); process.exitCode = 3')

  const { exited } = await keeper.run(program)

  expect(await exited).toMatchObject({ code: 3, signal: null })
  expect(await readFile(program.logFile, 'utf8')).toBe('hello\n')
})

test('a program that is not there is refused, and so is one without a place for its log', async () => {
  const keeper = await aKeeper()
  const program = nodeProgram(keeper.folder, '')

  await expect(keeper.run({ ...program, command: '/nowhere/java' })).rejects.toThrow('ENOENT')
  await expect(keeper.run({ ...program, logFile: '/nowhere/log' })).rejects.toThrow('ENOENT')
})

test('the end ends the programs, also those that ignore SIGTERM, and removes the folder', async () => {
  const keeper = await startKeeper(newFolder(), 50)
  const { connected, holdOn } = await aServer()
  const stubborn = await keeper.run(nodeProgram(keeper.folder, `process.on('SIGTERM', () => {}); ${holdOn}`))
  await connected

  await keeper.end()

  expect(await stubborn.exited).toMatchObject({ signal: 'SIGKILL' })
  expect(existsSync(keeper.folder)).toBe(false)
  await expect(keeper.run(nodeProgram(keeper.folder, ''))).rejects.toThrow('has ended')
})

test('one program can be killed alone', async () => {
  const keeper = await aKeeper()
  const { connected, holdOn } = await aServer()
  const program = await keeper.run(nodeProgram(keeper.folder, holdOn))
  await connected

  program.kill('SIGKILL')

  expect(await program.exited).toMatchObject({ signal: 'SIGKILL' })
  program.kill('SIGKILL')
  expect(existsSync(keeper.folder)).toBe(true)
})

test('a program alone is told what it passes on by itself, and what it started is killed with it', async () => {
  const keeper = await aKeeper()
  const { connected, holdOn } = await aServer()
  const echoes = JSON.stringify(`${holdOn}.on('data', function (data) { this.write(data) })`)
  const code = `process.on('SIGTERM', () => console.log('told'))
    require('child_process').spawn(process.execPath, ['--eval', ${echoes}])`
  const settings = nodeProgram(keeper.folder, code)
  const program = await keeper.run(settings)
  const socket = await connected

  program.tell('SIGTERM')

  await expect.poll(() => readFile(settings.logFile, 'utf8')).toBe('told\n')
  socket.write('still there?')
  expect(String((await once(socket, 'data'))[0])).toBe('still there?')
  program.kill('SIGKILL')
  await once(socket.resume(), 'close')
})

test('a keeper that is killed takes its programs along', async () => {
  const keeper = await aKeeper()
  const { connected, holdOn } = await aServer()
  const program = await keeper.run(nodeProgram(keeper.folder, holdOn))
  const socket = await connected

  process.kill(keeper.pid, 'SIGKILL')

  await program.exited
  await once(socket.resume(), 'close')
  await keeper.end()
  expect(existsSync(keeper.folder)).toBe(false)
})

/** A process that runs one program, and does `then` when it is told something. */
const anOwner = (folder: string, holdOn: string, then: string): ChildProcess => {
  const program = JSON.stringify(nodeProgram(folder, holdOn))
  const keep = JSON.stringify(join(import.meta.dirname, 'keep.ts'))
  const code = `
    const { startKeeper } = await import(${keep})
    const keeper = await startKeeper(${JSON.stringify(folder)})
    await keeper.run(${program})
    process.stdin.once('data', () => { ${then} })`
  return spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['pipe', 'ignore', 'ignore'] })
}

test.each<[string, string, NodeJS.Signals | undefined]>([
  ['is killed by SIGKILL', '', 'SIGKILL'],
  ['is ended by SIGTERM', '', 'SIGTERM'],
  ['crashes', 'throw new Error("crash")', undefined],
  ['exits without a word', 'process.exit(0)', undefined],
])('nothing stays behind an owner that %s', async (_, then, signal) => {
  const folder = newFolder()
  const { connected, holdOn } = await aServer()
  const owner = anOwner(folder, holdOn, then)
  const socket = await connected

  if (signal === undefined) owner.stdin!.write('now')
  else owner.kill(signal)

  await once(socket.resume(), 'close')
  await expect.poll(() => existsSync(folder)).toBe(false)
})
