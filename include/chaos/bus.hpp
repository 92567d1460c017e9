// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/host.hpp>
#include <memory>
#include <string>
#include <vector>

namespace chaos {

/// The service manager of the running system, over D-Bus: systemd's own socket for root, which needs no bus daemon and
/// survives its restart, else the system bus. libsystemd is opened, and the connection made, at the first question.
class SystemdServices final : public Services {
public:
    SystemdServices();
    ~SystemdServices() override;

    bool answers() const override;  ///< systemd runs here (/run/systemd/system), and libsystemd and it can be reached.
    std::vector<Unit> units() const override;
    Unit unit(const std::string& name) const override;

    /// A symbolic link that enabling, disabling or masking made or removed.
    struct Link {
        bool made = false;
        std::string path, target;
    };

    /// Does it and waits until it is done: start, stop, restart and reload for their job. Masking and unmasking reload
    /// the manager where a link changed: else it would not know. Throws Error where it did not come to be, with what
    /// the unit says of its end.
    std::vector<Link> control(UnitVerb, const std::string& unit, int timeout_s = 600);

    void daemon_reload();
    /// What can be read from when told() has something to say; -1 where no manager can be reached.
    int telling() const;
    /// Takes what systemd told since: whether one of these units changed, or may have.
    bool told(const std::vector<std::string>& units) const;

    /// Puts a process into a scope of its own, beside the unit or session that it was started from: what ends those
    /// does not end it, and all that it starts can be found. False where systemd does not do so.
    bool enclose(const std::string& scope, int pid, const std::string& description);

    /// A timer that starts a command once, so many seconds from now: NAME.timer and NAME.service, of this boot alone.
    /// It is active when this returns. The command is started again where it fails. Throws Error.
    void start_later(const std::string& name, std::int64_t seconds, const std::vector<std::string>& argv,
                     const std::string& description);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Enabling, disabling, masking and unmasking in an image: `systemctl --root` of the machine that runs chaos. Throws
/// Error for the other verbs: nothing runs in an image.
void control_offline(const std::string& root, UnitVerb, const std::string& unit);

}  // namespace chaos
