#!/usr/bin/python3
"""Prints schedule_golden.hpp: learning rates by torch.optim.lr_scheduler, for the tests of segx/optim/schedule.hpp.

    python3 tests/optim/schedule_golden.py > tests/optim/schedule_golden.hpp"""
import torch
from torch.optim import lr_scheduler

BASE = 0.2
STEPS = 12
SCORES = (0.50, 0.61, 0.60, 0.61, 0.59, 0.60, 0.70, 0.70, 0.70, 0.69, 0.71, 0.70)  # of the validation, an epoch each


def rates(make, scores=None):
    """The rate of each step (or epoch), the scheduler asked to go on after it."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=BASE)
    scheduler = make(optimizer)
    found = []
    for i in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([] if scores is None else [scores[i]]))
    return found


def array(name, values):
    return f"inline constexpr double {name}[] = {{{', '.join(f'{value!r}' for value in values)}}};"


def warm_up_then_cosine(optimizer):
    warm_up = lr_scheduler.LinearLR(optimizer, start_factor=1 / 4, end_factor=1, total_iters=3)
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS - 4)
    return lr_scheduler.SequentialLR(optimizer, [warm_up, cosine], milestones=[4])


print(f"""#pragma once

// Made by schedule_golden.py with PyTorch {torch.__version__.split('+')[0]}; a base rate of {BASE}, {STEPS} steps.

namespace golden {{

// clang-format off
{array("scores", SCORES)}
{array("step_3_7", rates(lambda o: lr_scheduler.MultiStepLR(o, milestones=[3, 7], gamma=0.25)))}
{array("cosine", rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS)))}
{array("poly_09", rates(lambda o: lr_scheduler.PolynomialLR(o, total_iters=STEPS, power=0.9)))}
{array("warm_up_4", rates(lambda o: lr_scheduler.LinearLR(o, start_factor=1 / 4, end_factor=1, total_iters=3)))}
{array("warm_up_4_cosine", rates(warm_up_then_cosine))}
{array("plateau_2", rates(lambda o: lr_scheduler.ReduceLROnPlateau(
    o, mode="max", factor=0.5, patience=2, threshold=0, threshold_mode="abs"), SCORES))}
{array("plateau_0_least", rates(lambda o: lr_scheduler.ReduceLROnPlateau(
    o, mode="max", factor=0.1, patience=0, threshold=0, threshold_mode="abs", min_lr=0.001), SCORES))}
// clang-format on

}}  // namespace golden""")
