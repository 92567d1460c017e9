// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/bus.hpp>
#include <chaos/root_host.hpp>

namespace chaos::test {

/// The machine it runs on, changed at once: no queue, no record, nothing to take back with. Only for hosts that are
/// thrown away.
class DirectHost final : public WritableHost {
public:
    bool live() const override { return root_.live(); }
    bool superuser() const override { return root_.superuser(); }
    Entry look(const std::string& path, std::string* content = nullptr,
               std::size_t most = Content::in_memory) const override {
        return root_.look(path, content, most);
    }
    std::vector<std::string> list(const std::string& path) const override { return root_.list(path); }
    Content content(const std::string& path) const override { return root_.content(path); }
    Output ask(const Command& command) const override { return root_.ask(command); }
    const Services& services() const override { return root_.services(); }

    void write(const std::string& path, const Content&, const Meta&) override;
    void make_directory(const std::string& path, const Meta&) override;
    void make_link(const std::string& path, const std::string& target, const Meta& owner = {}) override;
    void set_meta(const std::string& path, const Meta&) override;
    void remove(const std::string& path) override;
    void remove_tree(const std::string& path) override;
    void set_kernel(const std::string& path, const std::string& value) override;
    Output run(const Command&) override;
    void control(UnitVerb, const std::string& unit) override;

    std::vector<std::vector<std::string>> ran;  ///< What run() was given, in order.

private:
    RootHost root_{"/"};
    SystemdServices systemd_;
};

}  // namespace chaos::test
