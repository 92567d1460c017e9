// SPDX-License-Identifier: Apache-2.0
#pragma once

// What nearly every file includes and the compiler reads slowest, once per library (b_pch). Files include what they use
// all the same: with ccache at work everything compiles without this (./dev configure).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
