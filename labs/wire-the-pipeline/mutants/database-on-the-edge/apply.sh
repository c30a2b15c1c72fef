docker network connect edge postgres
