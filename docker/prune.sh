#!/bin/sh
# Takes out of node_modules what a Linux server never loads: other platforms' binaries, sources, maps, types, tests.
set -eu
cd node_modules
find classic-level/prebuilds -mindepth 1 -maxdepth 1 -type d ! -name "linux-$(node -p process.arch)" -exec rm -rf {} +
rm -rf classic-level/deps classic-level/src classic-level/binding.gyp
find . -type d \( -name test -o -name tests -o -name __tests__ -o -name examples -o -name example -o -name benchmarks -o -name benchmark -o -name .github \) -prune -exec rm -rf {} +
find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.markdown' -o -name 'CHANGELOG*' \) -delete
find . -type d -empty -delete
