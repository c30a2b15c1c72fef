# Leaves the pipeline as the story finds it: four containers on the default bridge, none of which finds another.
docker build --quiet --tag orchard/api api
docker build --quiet --tag orchard/loader loader
bash pipeline.sh
