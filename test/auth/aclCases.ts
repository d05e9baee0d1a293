// One ACL file and what it must mean. The table is asked of Amber and of a real Mosquitto.

export const aclText = `# anonymous first
topic read public/#
topic deny public/secret

user ann
topic readwrite home/#
topic deny home/safe/#
topic read home/safe/door
topic read $SYS/#
topic write only/write
topic both
topic deny own/ann/closed

user dan
topic deny deny/#
topic readwrite deny/#

pattern read shared/+/state
pattern readwrite own/%u/#
pattern write clients/%c/status
pattern deny own/ann/pattern
`

export interface AclCase {
  user: string | null
  clientId: string
  topic: string
  read: boolean
  write: boolean
}

const row = (
  user: string | null,
  clientId: string,
  topic: string,
  read: boolean,
  write: boolean,
): AclCase => ({
  user,
  clientId,
  topic,
  read,
  write,
})

export const aclCases: AclCase[] = [
  row(null, 'c1', 'public', true, false),
  row(null, 'c1', 'public/x', true, false),
  row(null, 'c1', 'public/secret', false, false),
  row(null, 'c1', 'home/x', false, false),
  row(null, 'c1', 'own//x', false, false),
  row(null, 'c1', 'shared/1/state', true, false),
  row(null, 'c1', 'clients/c1/status', false, true),
  row('ann', 'c1', 'home', true, true),
  row('ann', 'c1', 'home/kitchen/t', true, true),
  row('ann', 'c1', 'home/safe/door', false, false),
  row('ann', 'c1', 'home/safe', false, false),
  row('ann', 'c1', 'only/write', false, true),
  row('ann', 'c1', 'both', true, true),
  row('ann', 'c1', 'both/more', false, false),
  row('ann', 'c1', 'public/x', false, false),
  row('ann', 'c1', 'own/ann/x', true, true),
  row('ann', 'c1', 'own/ann', true, true),
  row('ann', 'c1', 'own/ann/closed', false, false),
  row('ann', 'c1', 'own/ann/pattern', false, false),
  row('ann', 'c1', 'own/bob/x', false, false),
  row('ann', 'c1', 'clients/c1/status', false, true),
  row('ann', 'c1', 'clients/c2/status', false, false),
  row('bob', 'c1', 'own/bob/x', true, true),
  row('bob', 'c1', 'home/x', false, false),
  row('bob', 'a+b', 'own/bob/x', false, false),
  row('bob', 'a#b', 'shared/1/state', false, false),
  row('dan', 'c1', 'deny/x', false, false),
]

/** A name of several levels gets nothing from patterns here; Mosquitto 2.0 lets it reach below another's place. */
export const stricterCases: AclCase[] = [
  row('bob', 'a/b', 'clients/a/b/status', false, false),
  row('e/f', 'c1', 'own/e/f/x', false, false),
  row('e/f', 'c1', 'shared/1/state', false, false),
]
