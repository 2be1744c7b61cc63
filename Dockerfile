FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make python3 python3-venv ca-certificates
WORKDIR /srv/imgsvc
COPY Makefile pyproject.toml requirements.lock README.md ./
COPY imgsvc imgsvc
RUN make install

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 imgsvc && install -d -o imgsvc /data
COPY --from=build /srv/imgsvc /srv/imgsvc
WORKDIR /srv/imgsvc
USER imgsvc
ENV IMGSVC_HOST=0.0.0.0 IMGSVC_DATA=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD [".venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
CMD [".venv/bin/imgsvc", "serve"]
