docker network create edge
docker network create --internal batch

docker network connect edge api
docker network connect batch postgres

docker network connect batch loader
docker network disconnect data loader

# nginx looks its upstream up once, when it starts: the api must be on edge by then.
docker network connect edge nginx
docker network disconnect bridge nginx
docker start nginx
