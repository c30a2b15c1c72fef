touch out.keep
docker build -t etl:dev .
