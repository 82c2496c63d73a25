# The whole of `lgsp up`:  docker run -p 127.0.0.1:8280:8280 -p 127.0.0.1:8290:8290 IMAGE
# For a build that cannot change, pin the tag's digest: python:3.12.8-slim-bookworm@sha256:...
FROM python:3.12.8-slim-bookworm AS build
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/lgsp \
 && /opt/lgsp/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/lgsp/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12.8-slim-bookworm
COPY --from=build /opt/lgsp /opt/lgsp
RUN useradd --uid 10001 --user-group --no-create-home lgsp \
 && install -d -o lgsp -g lgsp -m 0700 /state \
 && install -d -o lgsp -g lgsp -m 0750 /secrets /past
# A new volume takes the owner of the directory it is mounted over: without /secrets, `init` could not write.
ENV PATH=/opt/lgsp/bin:$PATH LGSP_STATE_DIR=/state PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /state
VOLUME /state
EXPOSE 8280 8290
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["lgsp", "doctor", "--live", "http://127.0.0.1:8290/readyz"]
ENTRYPOINT ["lgsp"]
# Inside a container only the published ports are reachable: whoever publishes them decides for whom.
CMD ["up", "--open", "--listen", "0.0.0.0:8280", "--admin", "0.0.0.0:8290"]
