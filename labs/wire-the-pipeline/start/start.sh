# Leaves the pipeline as the story finds it: four containers on the default bridge, none of which finds another.
docker build --quiet --tag orchard/api api &
docker build --quiet --tag orchard/loader loader
wait $!
bash pipeline.sh
# Postgres answers over TCP once its first database is made; a container that is removed before leaves half a database in the volume.
for attempt in {1..300}; do
  docker exec postgres pg_isready --quiet --host 127.0.0.1 && exit 0
  sleep 0.1
done
echo 'Postgres did not come up within 30 s.' >&2
exit 1
