#!/bin/sh
# Lets the site that comes with the image answer over IPv6 too, where the kernel has it. A file of the learner's is left alone.
set -e
site=/etc/nginx/conf.d/default.conf
[ -f /proc/net/if_inet6 ] && [ -w "$site" ] || exit 0
[ "$(sha256sum <"$site")" = "$(sha256sum </usr/share/nginx/default.conf.shipped)" ] || exit 0
sed -i 's/^\( *\)listen 80;$/&\n\1listen [::]:80;/' "$site"
