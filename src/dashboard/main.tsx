// Where the page begins.

import { render } from 'preact'
import { App } from './app.tsx'
import { loadMe, watchRefusals } from './session.ts'
import { followTheme } from './theme.ts'
import './style/tokens.css'
import './style/base.css'
import './style/shell.css'
import './style/parts.css'
import './style/pages.css'

followTheme()
watchRefusals()
void loadMe()
const root = document.getElementById('app')
if (root !== null) render(<App />, root)
