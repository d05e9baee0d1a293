// Builds the page (src/dashboard) into dist/dashboard: one script and one style sheet, nothing from anywhere else.

import { defineConfig } from 'vite'

export default defineConfig({
  root: 'src/dashboard',
  base: '/',
  logLevel: 'warn',
  build: {
    outDir: '../../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
