#!/bin/sh
# Turns /etc/nginx/templates/NAME.template into /etc/nginx/conf.d/NAME, with ${VARIABLES} of the environment filled in.
# Only variables that are set are replaced, so that nginx's own $host and $uri stay what they are.
set -e
templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
[ -d "$templates" ] || exit 0

names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/${\1}/p' | grep -E "\{(${NGINX_ENVSUBST_FILTER:-.*})\}" | tr '\n' ' ')
find "$templates" -follow -type f -name "*$suffix" | while IFS= read -r template; do
  relative=${template#"$templates"/}
  target=$output/${relative%"$suffix"}
  mkdir -p "$(dirname "$target")"
  envsubst "$names" <"$template" >"$target"
done
