// The keywords of mosquitto.conf that say who gets in. With per_listener_settings they belong to the listener above them.
// A plugin that reads plain files is replaced by reading those files; one that decides by itself cannot be left out.

import { type Answer, type Conversion, flagOf, type Handler, ignored, textOf, unsafe } from './conversion.ts'
import type { ConfLine } from './lines.ts'

type AccessKey = 'allow_anonymous' | 'password_file' | 'acl_file'

function setAccess(conversion: Conversion, line: ConfLine, key: AccessKey, value: unknown): string {
  if (conversion.perListener) return conversion.setListener(key, value)
  return conversion.set(`auth.${key}`, value, line)
}

const setFile =
  (key: AccessKey): Handler =>
  (conversion, line) =>
    setAccess(conversion, line, key, textOf(line))

/** Options by which the plugins for plain files name them. */
const passwordOption = /^auth_opt_((files_)?password_(path|file)|password_file|pwfile)$/
const aclOption = /^auth_opt_((files_)?acl_(path|file)|aclfile)$/

function usePlugin(conversion: Conversion, line: ConfLine): Answer {
  if (/dynamic_security/.test(line.value)) {
    return {
      outcome: 'error',
      message:
        'the dynamic security plugin decides who may do what, and nothing here reads its file; write a password file and an ACL file, and take the line out',
    }
  }
  if (/persist_sqlite/.test(line.value))
    return { outcome: 'ignored', message: 'what must last is on the disk anyway' }
  conversion.plugin.line ??= line
  return {
    outcome: 'warning',
    message:
      'plugins are not loaded: users come from the password file, rights from the ACL file; without one every user may do everything',
  }
}

/** `auth_opt_…` and `plugin_opt_…`. */
export function pluginOption(conversion: Conversion, line: ConfLine): Answer {
  const { plugin } = conversion
  if (passwordOption.test(line.keyword)) {
    plugin.passwordFile = textOf(line)
    return { outcome: 'warning', message: 'the file is read as password_file, unless one is named' }
  }
  if (aclOption.test(line.keyword)) {
    plugin.aclFile = textOf(line)
    return { outcome: 'warning', message: 'the file is read as acl_file, unless one is named' }
  }
  if (/acl|super/.test(line.keyword)) plugin.otherRights = line
  return { outcome: 'warning', message: 'an option of a plugin that is not loaded' }
}

/** After the last line: the files that only a plugin named. */
export function settlePlugin(conversion: Conversion): void {
  const { line, passwordFile, aclFile, otherRights } = conversion.plugin
  if (line === null) return
  const isGiven = (key: AccessKey): boolean =>
    conversion.has(`auth.${key}`) || conversion.listeners.some((listener) => listener[key] !== undefined)
  if (passwordFile !== '' && !isGiven('password_file'))
    conversion.set('auth.password_file', passwordFile, line)
  if (aclFile !== '' && !isGiven('acl_file')) conversion.set('auth.acl_file', aclFile, line)
  if (otherRights !== null && aclFile === '' && !isGiven('acl_file')) {
    conversion.note(otherRights, {
      outcome: 'error',
      message:
        'the plugin decided who may read and write what, and no ACL file does so now; write one and name it with acl_file',
    })
  }
}

const noPsk = unsafe('pre-shared keys are not spoken; clients would talk unencrypted. Use certificates')

export const accessKeywords: Record<string, Handler> = {
  acl_file: setFile('acl_file'),
  allow_anonymous: (conversion, line) => setAccess(conversion, line, 'allow_anonymous', flagOf(line)),
  auth_plugin: usePlugin,
  auth_plugin_deny_special_chars: ignored(
    'with patterns in the ACL file, names with +, # and / have no rights',
  ),
  global_plugin: usePlugin,
  password_file: setFile('password_file'),
  plugin: usePlugin,
  plugin_load: usePlugin,
  plugin_use: ignored('plugins are not loaded'),
  psk_file: noPsk,
  psk_hint: noPsk,
  use_psk: noPsk,
}
