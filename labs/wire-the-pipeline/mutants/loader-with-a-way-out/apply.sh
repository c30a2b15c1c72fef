docker network connect data loader
