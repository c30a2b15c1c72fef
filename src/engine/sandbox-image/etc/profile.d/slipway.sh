cd /root/lab 2>/dev/null || true
