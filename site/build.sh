#!/bin/sh -eu
# Makes build/site, pages to read in a browser, from what is in the repository. With --check it then checks them.
cd "$(dirname "$0")/.."
out=build/site
rm -rf "$out"
# Lua cannot make folders: all that may get a page, or a file that a page links to, has one.
for folder in . */ docs/*/ tests/*/; do
    case $folder in build*) ;; *) mkdir -p "$out/$folder" ;; esac
done
mkdir -p "$out/notes"
cp site/site.css site/site.js "$out"
PAGES=$(LC_ALL=C ls -- *.md */*.md | grep -v '^build') SITE=$out \
    pandoc --from gfm --to plain --lua-filter site/site.lua --output /dev/null /dev/null
find "$out" -type d -empty -delete
echo "Open $out/index.html"
case ${1-} in
    '') ;;
    --check)
        mkdir -p build/site-check && cp site/check/* build/site-check
        npm ci --prefix build/site-check --no-audit --no-fund --silent
        exec node build/site-check/check.mjs
        ;;
    *) echo "usage: ./run site [--check]" >&2 && exit 2 ;;
esac
