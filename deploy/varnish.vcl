# imgsvc behind Varnish 7.1 or later, with what Debian's package `varnish` brings:
#
#   varnishd -a :80 -f /etc/varnish/imgsvc.vcl -s malloc,1G
#
# Of this machine are the backend's two lines, 127.0.0.1 and 8080 (IMGSVC_HOST and IMGSVC_PORT), and who may purge.
#
# Pictures are kept as long as the service says; of those who ask for a picture at once that is not there, one asks the
# service (Varnish does so by itself). A purge goes to this address, never by way of a proxy:
#
#   curl -X PURGE http://127.0.0.1/media/abygr5ns/red-sneaker.jpg -H 'Host: pictures.example'
#   curl -X PURGE http://127.0.0.1/ -H 'Surrogate-Key: asset-95d400a8-5466-5fb6-92cd-17e1729731b9 folder-7'
#
# The first drops every answer of that URL, or with `Soft-Purge: 1` sends it once more while it asks for another. The second
# drops all that has one of the tags; it knows no soft way.

vcl 4.1;

import purge;
import std;

backend imgsvc {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 2s;
    # Longer than a render may wait and take: IMGSVC_RENDER_DEADLINE and a minute.
    .first_byte_timeout = 100s;
    .between_bytes_timeout = 30s;
    .probe = {
        .url = "/healthz";
        .interval = 1s;
        .timeout = 1s;
        .window = 3;
        .threshold = 2;
        .initial = 2;
    }
}

acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    # Between Varnish and the service alone: a kept answer must have its bytes.
    unset req.http.X-Sendfile-Type;

    if (req.method == "PURGE") {
        # A comma: somebody else was asked first, and client.ip is only his.
        if (client.ip !~ purgers || req.http.X-Forwarded-For ~ ",") {
            return (synth(403));
        }
        if (!req.http.Surrogate-Key) {
            return (hash);
        }
        # They become a regular expression, in which a ban has no spaces.
        if (req.http.Surrogate-Key !~ "^[A-Za-z0-9_-]+( [A-Za-z0-9_-]+)*$") {
            return (synth(400));
        }
        set req.http.Tags = regsuball(req.http.Surrogate-Key, " ", "|");
        if (!std.ban("obj.http.Surrogate-Key ~ (^|\s)(" + req.http.Tags + ")(\s|$)")) {
            return (synth(503, std.ban_error()));
        }
        return (synth(200, "Purged"));
    }

    # The service's numbers are nobody's business; Prometheus asks the service itself. It would decode what is percent-encoded,
    # and nobody writes the name of a face so.
    if (req.url ~ "^/(metrics(\?|$)|[^/?]*%)") {
        return (synth(404));
    }
    if (req.url !~ "^/(media|images|cdn)/") {
        return (pass);
    }

    # Nobody's picture depends on them. With Authorization, and by other methods than GET and HEAD, Varnish passes of itself.
    unset req.http.Cookie;

    # The service chooses among AVIF, WebP and others by what is named here without a weight; browsers name it in a hundred ways.
    # Who weighs them himself is read by the service.
    if (req.http.Accept ~ "(?i)image/avif\s*(,|$)" && req.http.Accept ~ "(?i)image/webp\s*(,|$)") {
        set req.http.Accept = "image/avif,image/webp";
    } elsif (req.http.Accept ~ "(?i)image/webp\s*(,|$)" && req.http.Accept !~ "(?i)image/avif") {
        set req.http.Accept = "image/webp";
    } elsif (req.http.Accept !~ "(?i)image/(avif|webp)") {
        set req.http.Accept = "*/*";
    }

    # How long past its time an answer is sent while another is fetched; where the service does not answer as long
    # as it is kept at all (beresp.grace), `must-revalidate` or not: an old picture is better than none.
    if (std.healthy(req.backend_hint)) {
        set req.grace = 10s;
    }
}

sub purge_url {
    if (req.http.Soft-Purge) {
        set req.http.Purged = purge.soft(0s);
    } else {
        set req.http.Purged = purge.hard();
    }
    return (synth(200, "Purged"));
}

sub vcl_hit {
    if (req.method == "PURGE") {
        call purge_url;
    }
}

sub vcl_miss {
    if (req.method == "PURGE") {
        call purge_url;
    }
}

sub vcl_backend_response {
    if (bereq.uncacheable) {
        return (deliver);
    }
    # A failure that comes while an old answer is sent does not take its place, and none is kept.
    if (beresp.status >= 400) {
        if (bereq.is_bgfetch && beresp.status >= 500) {
            return (abandon);
        }
        set beresp.uncacheable = true;
        set beresp.ttl = 1s;
        return (deliver);
    }
    # Varnish keeps 303, to a canonical URL, only where it is told to. The last age counts: s-maxage comes behind max-age.
    if (beresp.status == 303 && beresp.http.Cache-Control ~ "(^|[ ,])(s-max|max-)age=[0-9]+") {
        set beresp.ttl = std.duration(regsub(beresp.http.Cache-Control, "^(?:.*[ ,])?(?:s-max|max-)age=([0-9]+).*$", "\1s"), 0s);
    }
    # A signature that has expired is not stretched, also where its name is percent-encoded.
    if (bereq.url ~ "(?i)[?&](expires|[^=&]*%[^=&]*)=") {
        set beresp.grace = 0s;
    } else {
        set beresp.grace = 24h;
    }
}

sub vcl_backend_error {
    set beresp.http.Cache-Control = "no-store";
}

sub vcl_deliver {
    # Between the service and Varnish alone.
    unset resp.http.Surrogate-Key;
}

sub vcl_synth {
    set resp.http.Cache-Control = "no-store";
    if (req.method == "PURGE") {
        if (req.http.Purged) {
            set resp.http.Purged = req.http.Purged;
        }
        return (deliver);
    }
}
