// What is done wrong on purpose, and must be noticed by a few hundred walks.

#include "tests/live/live_world.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace alpha::test {}
