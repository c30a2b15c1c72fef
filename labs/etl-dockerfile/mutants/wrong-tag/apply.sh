docker tag etl:dev etl:latest
docker rmi etl:dev
