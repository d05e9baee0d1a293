// docs/configuration.md, made from the schema, so that the page and the program cannot differ.
// `npm run docs:config` writes it; a test compares it.

import { variableName } from './sources.ts'
import { type ConfigKey, configKeys, expectation, type SchemaNode } from './tree.ts'

/** The whole page as Markdown. */
export function configPage(): string {
  const sections = new Map<string, ConfigKey[]>()
  for (const key of configKeys()) {
    const [section = ''] = key.name.split('.')
    sections.set(section, [...(sections.get(section) ?? []), key])
  }
  const parts = [...sections].map(([section, keys]) => sectionText(section, keys))
  return `${introduction}\n${parts.join('\n')}`
}

const introduction = `# Configuration

<!-- Made by \`npm run docs:config\` from src/config/schema.ts. Change it there. -->

Amber runs without any configuration. What you want otherwise is said in one of three places; the first wins:

1. a flag: \`amber serve --http.port 9000\`
2. an environment variable: \`AMBER_HTTP__PORT=9000\` (two underscores between section and key)
3. a YAML file: \`amber.yaml\` in the working directory, or the one that \`--config FILE\` or \`AMBER_CONFIG\` names

\`\`\`yaml
# amber.yaml
http:
  port: 9000
auth:
  password_file: /etc/amber/passwd
\`\`\`

- A key that nobody knows, in any of the three, is an error that names the nearest one. So is a value of the wrong kind.
- \`_FILE\` behind a variable names a file that holds the value: \`AMBER_HTTP__PORT_FILE=/run/secrets/port\`.
- A list is written with commas in a flag or a variable (\`AMBER_HTTP__CORS=https://a.example,https://b.example\`), or as JSON.
- True and false may also be written yes and no, on and off, 1 and 0 there. \`--auth.allow_anonymous\` alone means true.
- Relative paths start at the working directory.
- Variables that Kubernetes and Docker set for a service named amber (\`AMBER_PORT=tcp://…\`) are ignored.
- \`amber check-config\` shows every value in force and where it comes from, and starts nothing.

While the demo account (\`admin\` with its published password) can log in, MQTT and HTTP listen on 127.0.0.1 only, whatever
\`mqtt.host\` and \`http.host\` say. \`amber passwd passwd admin\` ends that; see [passwords](passwords.md).
`

function sectionText(section: string, keys: readonly ConfigKey[]): string {
  const rows = keys.map(
    ({ name, node }) =>
      `| \`${name}\` | ${kindText(node)} | ${defaultText(node.default)} | ${escapeCell(node.description ?? '')} |`,
  )
  const example = keys[0] === undefined ? '' : variableName(keys[0].name)
  return [
    `## ${section}`,
    '',
    `As a variable: \`${example}\` and so on.`,
    '',
    '| key | value | default | what it does |',
    '|---|---|---|---|',
    ...rows,
    '',
    ...keys.flatMap(({ name, node }) => listText(`${name}[]`, node.items?.properties)),
  ].join('\n')
}

/** The keys of the entries of a list. */
function listText(name: string, properties: SchemaNode['properties']): string[] {
  if (properties === undefined) return []
  const entries = Object.entries(properties)
  const rows = entries.map(
    ([key, node]) =>
      `| \`${key}\` | ${kindText(node)} | ${defaultText(node.default)} | ${escapeCell(node.description ?? '')} |`,
  )
  return [
    `### ${name}`,
    '',
    '| key | value | default | what it does |',
    '|---|---|---|---|',
    ...rows,
    '',
    ...entries.flatMap(([key, node]) => listText(`${name}.${key}[]`, node.items?.properties)),
  ]
}

function kindText(node: SchemaNode): string {
  if (node.enum) return node.enum.map((choice) => `\`${choice}\``).join(', ')
  return expectation(node).replace(/^an? /, '')
}

function defaultText(value: unknown): string {
  if (value === '') return 'empty'
  if (Array.isArray(value)) return value.length === 0 ? 'empty' : `\`${value.join(',')}\``
  return value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*')
}
