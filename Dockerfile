# docker build -t faultbook .
# docker run --init --rm -p 127.0.0.1:8717:8717 -v faultbook-data:/data faultbook
#
# People sign in: the first start prints a link for the first admin. docs/deploying.md goes on from
# here. Groups by the meaning of notes need PyTorch; without it they rest on shared words:
#   docker build --build-arg EXTRAS=postgres,oidc,embed,offline-model \
#     --build-arg PIP_EXTRA_INDEX_URL="the index of PyTorch's CPU builds" -t faultbook .
FROM python:3.12-slim AS build
ARG EXTRAS=postgres,oidc
ARG PIP_EXTRA_INDEX_URL=
WORKDIR /src
COPY . .
# The environment holds no pip of its own: what is installed once is not changed afterwards.
RUN python -m venv --without-pip /opt/faultbook \
 && pip --python /opt/faultbook/bin/python install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.12-slim
RUN groupadd --gid 10001 faultbook \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin faultbook \
 && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/faultbook /opt/faultbook
# Modules were compiled when they were installed; the root file system may be read-only.
ENV PATH=/opt/faultbook/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    MPLCONFIGDIR=/tmp/matplotlib \
    FAULTBOOK_DATA=/data \
    FAULTBOOK_HOST=0.0.0.0 \
    FAULTBOOK_PORT=8717 \
    FAULTBOOK_NO_LOGIN=false
USER 10001:10001
WORKDIR /data
EXPOSE 8717
VOLUME /data
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['FAULTBOOK_PORT']}/readyz\", timeout=4)"]
ENTRYPOINT ["faultbook"]
CMD ["serve"]
