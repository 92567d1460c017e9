// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace chaos::cli {

/// How the program ends, for scripts: the only place where these numbers stand. docs: cmd_help.md.
enum class Exit : int {
    well = 0,     ///< As wished.
    failed = 1,   ///< It failed, and the host is as it was.
    pending = 2,  ///< Changes are pending, drift was found, or it waits for a person's word.
    damaged = 3,  ///< It failed and could not be wholly taken back, or a conflict was left.
    in_part = 4,  ///< It ended in part, as asked: --on-failure stop or continue.
    usage = 64,   ///< The command line or a manifest is wrong; nothing was touched.
    busy = 75,    ///< Another run is at work: trying again later may do.
};

}  // namespace chaos::cli
