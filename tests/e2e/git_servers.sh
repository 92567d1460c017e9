# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Real git servers on a test host: git http-backend behind nginx with TLS, and sshd. To be sourced after scenario.sh, and
# before a host is started: the tree of these hosts has what they need, and is made once.
#
#   git_servers HOST        git.example and other.example are HOST; repositories lie in /srv/git, the authority's
#                           certificate is /srv/ca/ca.pem; https://git.example/HOW/NAME.git, HOW being
#                             open, basic (robot with tok-3n), bearer (tok-3n), known (a client's certificate),
#                             half, slow, corrupt, part: pack ends early, stalls, has a wrong byte, lacks most,
#                             moved, page, broken: sends elsewhere, a page, 503
#   git_sshd HOST           eve@git.example:2222 lets /root/key in; its keys are in /root/known, others in /root/changed
#   git_start HOST          the servers again, after a reboot
#   git_site HOST NAME      an empty /srv/git/NAME.git with a work tree in /srv/NAME
host_packages+=(git libgit2-1.5 libcurl4 nginx-light fcgiwrap apache2-utils openssl openssh-server openssh-client ncat
    gpg gpg-agent gpgv python3 libfaketime)

git_site() {
    host_run "$1" sh -ec "git init -q --bare -b main /srv/git/$2.git; git init -q -b main /srv/$2; cd /srv/$2
        git remote add origin /srv/git/$2.git; git config gpg.format ssh; git config user.signingkey /root/signer.pub"
}

git_start() {
    # shellcheck disable=SC2016  # expanded inside
    host_run "$1" sh -ec 'rm -f /run/git.socket /run/git2.socket
        for socket in git git2; do
            fcgiwrap -c 9 -s unix:/run/$socket.socket > /dev/null 2>&1 &
            until [ -S /run/$socket.socket ]; do sleep 0.02; done
            chmod 666 /run/$socket.socket
        done
        nginx
        [ ! -e /root/known ] || mkdir -p /run/sshd'
    ! host_run "$1" test -e /root/known || sshd_start "$1"
}

# Until it listens: sshd leaves its caller before that, and writes who it is after.
sshd_start() {
    host_run "$1" sh -ec "rm -f /run/git-sshd.pid; /usr/sbin/sshd -f /etc/ssh/git
        until [ -s /run/git-sshd.pid ]; do sleep 0.02; done"
}

git_servers() {
    # shellcheck disable=SC2016  # expanded inside
    host_run "$1" sh -ec '
        if [ -d /run/systemd/system ]; then systemctl -q disable --now nginx ssh fcgiwrap.socket fcgiwrap 2> /dev/null; fi
        useradd -m -s /bin/sh -p "*" eve
        git config --system user.name "Ann Admin"; git config --system user.email ann@example.org
        git config --system init.defaultBranch main; git config --system safe.directory "*"
        git config --system protocol.file.allow always; git config --system uploadpack.allowAnySHA1InWant true
        mkdir -p /srv/git /srv/ca; cd /srv/ca
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.pem
        for who in server client; do
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$who -keyout $who.key -out $who.csr
            printf "subjectAltName=DNS:git.example,DNS:other.example" > ext
            openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -days 30 -extfile ext -out $who.pem
        done
        printf "127.0.0.1 git.example other.example\n" >> /etc/hosts
        printf "%s" tok-3n > /root/token; printf wrong > /root/wrong; chmod 600 /root/token /root/wrong
        htpasswd -bc /srv/ca/people robot tok-3n' > /dev/null 2>&1
    host_run "$1" tee /etc/nginx/nginx.conf > /dev/null << 'END'
user www-data; worker_processes 1; error_log /var/log/nginx/error.log; pid /run/nginx.pid;
events {}
http {
    access_log /var/log/nginx/access.log;
    map $http_authorization $bearer { default 0; "Bearer tok-3n" 1; }
    server {
        listen 443 ssl; server_name git.example other.example;
        ssl_certificate /srv/ca/server.pem; ssl_certificate_key /srv/ca/server.key;
        ssl_client_certificate /srv/ca/ca.pem; ssl_verify_client optional;
        location /moved/ { return 301 https://other.example/open/$request_uri; }
        location /renamed.git/ { rewrite ^/renamed.git/(.*)$ /open/site.git/$1 redirect; }
        location /page/ { default_type text/html; return 200 "<html>welcome</html>"; }
        location /broken/ { return 503; }
        location ~ ^/open(/.*)$ { include /etc/nginx/git.conf; fastcgi_param PATH_INFO $1; }
        location ~ ^/(half|slow|corrupt|part)(/.*)$ {
            fastcgi_param SCRIPT_FILENAME /srv/bad; fastcgi_param HOW $1;
            include /etc/nginx/git.conf; fastcgi_param PATH_INFO $2;
        }
        location ~ ^/basic(/.*)$ { auth_basic x; auth_basic_user_file /srv/ca/people; include /etc/nginx/git.conf; fastcgi_param PATH_INFO $1; }
        location ~ ^/bearer(/.*)$ { if ($bearer = 0) { return 401; } include /etc/nginx/git.conf; fastcgi_param PATH_INFO $1; }
        location ~ ^/known(/.*)$ { if ($ssl_client_verify != SUCCESS) { return 496; } include /etc/nginx/git.conf; fastcgi_param PATH_INFO $1; }
    }
}
END
    host_run "$1" tee /etc/nginx/git.conf > /dev/null << 'END'
include fastcgi_params; fastcgi_pass unix:/run/git.socket; fastcgi_buffering off;
fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend; fastcgi_param GIT_PROJECT_ROOT /srv/git;
fastcgi_param GIT_HTTP_EXPORT_ALL 1; fastcgi_param REMOTE_USER $remote_user;
END
    # A server that does not do as it should, from the pack on.
    host_run "$1" tee /srv/bad > /dev/null << 'END'
#!/bin/sh
backend=/usr/lib/git-core/git-http-backend
[ "$REQUEST_METHOD" = POST ] || exec $backend
asked=$(mktemp)
cat > "$asked"
names=$(grep -ac command=ls-refs "$asked")
exec < "$asked"
rm "$asked"
[ "$names" = 0 ] || exec $backend # where it stands is told truly
case $HOW in
half) $backend | head -c 300000; kill -9 "$PPID" ;;
slow) $backend | head -c 300000; exec sleep 120 ;;
corrupt) $backend | perl -0777 -pe 'substr($_, 250000, 1) ^= "\1"' ;;
part) # the commit, and nothing of what is in it
    printf 'Content-Type: application/x-git-upload-pack-result\r\n\r\n0008NAK\n'
    git -C /srv/git/site.git rev-parse main | git -C /srv/git/site.git pack-objects -q --stdout |
        perl -0777 -ne 'printf "%04x\1%s0000", length($_) + 5, $_' ;;
esac
END
    host_run "$1" chmod 755 /srv/bad
    git_start "$1"
}

git_sshd() {
    # shellcheck disable=SC2016  # expanded inside
    host_run "$1" sh -ec 'mkdir -p /run/sshd
        ssh-keygen -q -t ed25519 -N "" -f /root/key; ssh-keygen -q -t ed25519 -N "" -f /root/stranger
        install -d -m 700 -o eve /home/eve/.ssh; install -m 600 -o eve /root/key.pub /home/eve/.ssh/authorized_keys
        printf "Port 2222\nListenAddress 127.0.0.1\nUsePAM no\nPidFile /run/git-sshd.pid\n" > /etc/ssh/git
        printf "[git.example]:2222 %s\n" "$(cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)" > /root/known
        printf "[git.example]:2222 %s\n" "$(cut -d" " -f1,2 /root/stranger.pub)" > /root/changed'
    sshd_start "$1"
}
