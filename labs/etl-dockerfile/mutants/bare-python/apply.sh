docker tag python:3.13-slim python:latest
docker build -t etl:dev .
