/**
 * The scaffold's texts that say what there is: project, agent, tools, routes. `{{project}}` is its name,
 * `{{forge}}` its forge where that is not the usual one.
 */
export const PROJECT_FILES: Readonly<Record<string, string>> = {
  'countersign.yaml': `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/project.schema.json
apiVersion: countersign/v1
kind: Project
project: {{project}}
about: What the billing agent may do, and who is asked about the rest.
# The verdict for a known tool within scope that no rule speaks about.
defaults: { low: allow, medium: allow, high: hold, critical: deny }
unknown_tools: deny
{{forge}}`,
  'policies/agents/billing-agent.yaml': `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/agent.schema.json
apiVersion: countersign/v1
kind: Agent
agent: billing-agent
about: Answers questions about invoices and prepares refunds.
# Least privilege: what stands in no scope is denied. Deleting a customer is in none.
scopes:
  - tools: [billing.read_invoice]
    about: To answer questions.
  - tools: [billing.refund_payment]
    about: To prepare refunds; a person approves each of them.
`,
  'policies/tools/billing.yaml': `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/tools.schema.json
apiVersion: countersign/v1
kind: Tools
service: billing
about: The billing service's API.
tools:
  read_invoice:
    effect: read
    about: Reads one invoice.
  refund_payment:
    effect: irreversible
    priority: high
    about: Pays an amount back to a customer.
  delete_customer:
    effect: irreversible
    priority: critical
    about: Deletes a customer and all that belongs to them.
`,
  'policies/routes/routes.yaml': `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/routes.schema.json
apiVersion: countersign/v1
kind: Routes
routes:
  # Every hold that names no route comes here.
  - id: default
    about: Whatever no other route is for.
    roles: [finance]
    time_out: 1h
  - id: payments
    about: Money leaves the house.
    roles: [finance]
    quorum: 1
    time_out: 30m
    # What the request shows in clear; everything else stays hidden from Git.
    show: [payload.amount]
`,
  '.gitignore': `# What the engine keeps: state, receipts, keys.
.countersign/
*.bundle
`,
  'README.md': `# {{title}}: policies

What the project's agents may do, in YAML and Rego. Change it by pull request.

\`\`\`sh
countersign check    # every mistake, with file and line
countersign test     # the decision tests in tests/ and the Rego tests
countersign fmt      # one layout for all
countersign build -o policy.bundle
\`\`\`

| path | what it says |
| --- | --- |
| \`countersign.yaml\` | the project, and what happens where no rule speaks |
| \`policies/agents/\` | which tools an agent may call |
| \`policies/tools/\` | what each tool does to the world |
| \`policies/guardrails/\` | rules in YAML |
| \`policies/rego/\` | rules in Rego, with their tests |
| \`policies/routes/\` | who is asked, and for how long |
| \`policies/roster.yaml\` | the people, by their pinned SSH keys |
| \`tests/\` | what must come out, as tables |

An action that is held waits for a signed review:

\`\`\`sh
countersign decide '{"agent": "billing-agent", "service": "billing", "action": "refund_payment",
  "payload": {"user_id": "u-1", "amount": 25, "reason": "charged twice"}}'
countersign requests ls
countersign requests approve ID --key KEY
\`\`\`
`,
}
