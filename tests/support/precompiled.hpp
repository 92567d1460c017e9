// SPDX-License-Identifier: Apache-2.0
#pragma once

// As src/precompiled.hpp, for tests.
#include <doctest/doctest.h>

#include "../../src/precompiled.hpp"
