// SPDX-License-Identifier: Apache-2.0
#include "apt_left.hpp"

#include <fmt/format.h>

#include <chaos/system/packages.hpp>

#include "archives.hpp"
#include "manners.hpp"
#include "repack.hpp"

namespace chaos::resources::apt {

void keep_left(WritableHost& host, const std::vector<std::string>& keys) {
    const auto directory = keys.empty() ? std::string() : host.keep_in("packages");
    if (directory.empty()) return;  // the state directory lies outside: it will be told that nothing was kept
    const View view(host);
    const auto work = host.keep_in("packages/repacked");
    const auto tree = work + "/tree", packed = work + "/packed.deb";
    for (const auto& key : keys) {
        const auto& package = *view.once<Packages>().find(key);
        must(host, {{"rm", "-rf", "--", tree, packed}});
        must(host, {{"mkdir", "--", tree}});
        repack_left(host, package, tree, packed);
        must(host, {{"mv", "-f", "-T", "--", packed, directory + "/" + name_of_left(package)}});
        must(host, {{"rm", "-rf", "--", tree}});
    }
    must(host, {{"sync", "-f", directory}});
}

void bring_left_back(WritableHost& host, const std::string& key, const std::string& version) {
    const View view(host);
    const auto archive = kept_left(host, view.once<Packages>(), key, version);
    if (archive.empty())
        return host.says(
            fmt::format("of what {} {} had left only its files below /etc come back: no more was kept", key, version));
    carry_out(host, quiet({"dpkg", "--force-confdef", "--force-confold", "--install", archive}));
    take_out_stand_ins(host, archive);
    carry_out(host, quiet({"dpkg", "--remove", key}));
}

}  // namespace chaos::resources::apt
