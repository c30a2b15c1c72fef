docker network connect data nginx
