docker build -t etl:dev .
