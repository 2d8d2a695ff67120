# docker build -t faultbook .
# docker run --rm -p 8717:8717 -v faultbook-data:/data faultbook
#
# People sign in, because others may reach the port: the first start prints a link for the first
# admin. Behind a name of your own, set FAULTBOOK_ALLOWED_HOSTS='["name.example.org"]'.
FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/faultbook \
 && /opt/faultbook/bin/pip install --no-cache-dir --constraint constraints.txt '.[embed,offline-model,postgres]'

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 faultbook \
 && install --directory --owner faultbook /data
COPY --from=build /opt/faultbook /opt/faultbook
USER faultbook
ENV PATH=/opt/faultbook/bin:$PATH FAULTBOOK_DATA=/data FAULTBOOK_HOST=0.0.0.0 FAULTBOOK_NO_LOGIN=false
EXPOSE 8717
VOLUME /data
ENTRYPOINT ["faultbook"]
CMD ["serve"]
