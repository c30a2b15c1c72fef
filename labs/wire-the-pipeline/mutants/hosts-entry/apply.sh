for network in data batch; do
  docker network disconnect $network postgres
  docker network connect $network postgres
done
on_batch=$(docker inspect -f '{{.NetworkSettings.Networks.batch.IPAddress}}' postgres)
on_data=$(docker inspect -f '{{.NetworkSettings.Networks.data.IPAddress}}' postgres)
docker rm --force api loader
docker run --detach --name loader --network batch --add-host "warehouse:$on_batch" -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/loader
docker create --name api --network data --publish 8000:8000 --add-host "warehouse:$on_data" \
  -e BIND=0.0.0.0 -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/api
docker network connect edge api
docker start api
docker restart nginx
