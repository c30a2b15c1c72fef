docker rm --force postgres loader api nginx
docker compose up --detach
