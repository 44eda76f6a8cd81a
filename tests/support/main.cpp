// Catch2 2.13 has no main of its own; Catch2 3 does not need this file.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
