// A bare Aedes, to show what it does without the guard. Writes its port to standard output.
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const throwing = process.argv.includes('--throwing-hook')
const broker = await Aedes.createBroker({
  ...(throwing && {
    authorizePublish: () => {
      throw new Error('a fault in a hook')
    },
  }),
})
const server = createServer(broker.handle)
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
