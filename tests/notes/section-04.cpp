#include "notes.hpp"
