docker network connect data nginx
docker network disconnect edge nginx
docker network disconnect edge api
docker network disconnect batch postgres
docker network connect data loader
docker network disconnect batch loader
docker restart nginx
