# Everything made again at once, with other options than the reference: long --network syntax, ports on ::1 too, networks with subnets of their own.
docker rm --force postgres loader api nginx
docker network create --driver bridge --subnet 10.77.1.0/24 data
docker network create --driver bridge --subnet 10.77.2.0/24 edge
docker network create --driver bridge --subnet 10.77.3.0/24 --internal batch

docker create --name postgres --network name=data,alias=warehouse --publish 127.0.0.1:15432:5432 \
  -e POSTGRES_PASSWORD=orchard -e POSTGRES_DB=orchard postgres:17
docker network connect --alias warehouse --alias db batch postgres
docker start postgres

docker run --detach --restart unless-stopped --name loader --network batch -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/loader

docker create --name api --network data --publish 127.0.0.1:8000:8000 \
  -e BIND=0.0.0.0 -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/api
docker network connect edge api
docker start api

docker run --detach --name nginx --network edge --publish 8080:80 \
  --volume "$PWD/nginx/default.conf:/etc/nginx/conf.d/default.conf:ro" nginx
