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
