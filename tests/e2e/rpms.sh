# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the scenarios of dnf and zypper share; to be sourced after packages.sh.

# Debian's rpm has its database in the home of who calls it.
rpm_host() {
    sh 'mkdir -p /etc/rpm /var/lib/rpm; echo "%_dbpath /var/lib/rpm" > /etc/rpm/macros; rpm --initdb
printf "ID=tiny\nID_LIKE=\"none\"\n" > /etc/os-release.new; rm /etc/os-release; mv /etc/os-release.new /etc/os-release'
}

make_package() {
    inside tee "/srv/$1.spec" > /dev/null << END
Name: $1
Version: $2
Release: 1
Summary: tiny
License: none
BuildArch: noarch
${3:+Requires: $3}
${4:+Provides: $4}
${5:+Conflicts: $5}
%description
tiny
%install
mkdir -p %{buildroot}/usr/share/$1 %{buildroot}/etc
echo $2 > %{buildroot}/usr/share/$1/version
echo conf > %{buildroot}/etc/$1.conf
%files
/usr/share/$1
%config(noreplace) /etc/$1.conf
END
    sh "rpmbuild -bb --quiet --define '_rpmdir /srv/repo' --define '_topdir /srv/build' /srv/$1.spec > /dev/null 2>&1"
}

version_of() { sh "rpm -q --qf '%{VERSION}-%{RELEASE}' $1 2> /dev/null || true" | grep -v 'not installed' || true; }

# What the package manager reads of both repositories: groups and security updates, too, where there are any.
index_repositories() {
    sh 'g=; [ ! -e /srv/comps.xml ] || g="-g /srv/comps.xml"
for d in /srv/repo /srv/more; do
    [ -d $d ] || continue
    createrepo_c -q $g $d
    [ ! -e /srv/updateinfo.xml ] || modifyrepo_c /srv/updateinfo.xml $d/repodata > /dev/null 2>&1
done'
}

# for_security NAME VERSION...: these versions mend what is dangerous, from the next publish on.
for_security() {
    {
        echo '<updates>'
        while [ $# -gt 0 ]; do
            cat << END
<update from="tiny" status="final" type="security" version="1"><id>TINY-$1</id><title>$1</title>
<issued date="2026-01-01 00:00:00"/><updated date="2026-01-01 00:00:00"/><severity>Important</severity>
<summary>$1</summary><description>$1</description><references/><pkglist><collection short="tiny"><name>tiny</name>
<package name="$1" version="$2" release="1" epoch="0" arch="noarch" src="$1-$2-1.src.rpm">
<filename>$1-$2-1.noarch.rpm</filename></package></collection></pkglist></update>
END
            shift 2
        done
        echo '</updates>'
    } | inside tee /srv/updateinfo.xml > /dev/null
}

walk_security() {
    step "for security comes what mends something, and what is said elsewhere stays"
    for_security libhi 2.0 other 2.0
    publish
    status 2 inside chaos upgrade --dry-run --security-only
    says 2.0-1
    says "package other stays at 1.0-1"
    says "1 package could be newer, but not for security"
    status 0 inside chaos upgrade -y --security-only
    is libhi 2.0-1
    is hello 1.0-1
    is other 1.0-1
    is_automatic libhi || fail "libhi came along"
    status 0 inside chaos upgrade -y --security-only
    says "Nothing to do"
    status 0 inside chaos rollback -y
    is libhi 1.0-1
    status 0 inside chaos upgrade -y --security-only hello
    says "Nothing to do"
    is libhi 1.0-1
    status 0 inside chaos upgrade -y --security-only libhi
    is libhi 2.0-1
    is hello 1.0-1
    status 0 inside chaos rollback -y
    is libhi 1.0-1
}
