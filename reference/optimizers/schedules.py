"""Schedules: the learning rate of each step, and of some the momentum too (section 6.1.2)."""

import bisect
import math

from reference import _checks


class Schedule:
    """A learning rate for each step: `schedule(t)`, with t = 0, 1, 2, ...

    A subclass writes `rate(t)`. `advance` goes on from a rate that was set by hand, or by another
    schedule of a `ChainedScheduler`; `resume` from the rate at which a `SequentialLR` changes over.
    """

    def __init__(self, learning_rate):
        self.learning_rate = _checks.check_nonnegative(self, learning_rate=learning_rate)

    def __call__(self, t):
        return self.rate(_checks.check_nonnegative(self, method="__call__", t=t))

    def rate(self, t):
        raise NotImplementedError(f"{type(self).__name__} does not define rate")

    def advance(self, rate, t):
        """The rate of step t after `rate`, which others may have changed, in step t - 1."""
        return self.rate(t)

    def resume(self, rate, t):
        """The rate of step t where this schedule took over from `rate` in its step 0."""
        return self.rate(t)


class FactorSchedule(Schedule):
    """A constant times `factor(t)`, whose ratios multiply the rates of others."""

    def factor(self, t):
        raise NotImplementedError(f"{type(self).__name__} does not define factor")

    def rate(self, t):
        return self.learning_rate * self.factor(t)

    def ratio(self, t):
        """factor(t) / factor(t - 1)."""
        before, now = self.factor(t - 1), self.factor(t)
        return 1.0 if now == before else now / before

    def advance(self, rate, t):
        return rate * (self.ratio(t) if t else self.factor(t))


class DecaySchedule(FactorSchedule):
    """A constant times gamma to the number of times that the rate has fallen: `falls(t)`."""

    def __init__(self, learning_rate, gamma):
        super().__init__(learning_rate)
        self.gamma = _checks.check_number(self, gamma=gamma)

    def falls(self, t):
        raise NotImplementedError(f"{type(self).__name__} does not define falls")

    def factor(self, t):
        return self.gamma ** self.falls(t)

    def ratio(self, t):
        return self.gamma ** (self.falls(t) - self.falls(t - 1))


class LambdaLR(Schedule):
    """The rate times a given function of the step.

    Formula: rate(t) = learning_rate lr_lambda(t)
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for a function that cannot be called or a rate that is no number,
        ValueError for a negative rate or t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.LambdaLR. No difference; each group has a schedule of its
        own.
    """

    def __init__(self, learning_rate, lr_lambda):
        super().__init__(learning_rate)
        self.lr_lambda = _checks.check_callable(self, lr_lambda=lr_lambda)

    def rate(self, t):
        return self.learning_rate * self.lr_lambda(t)


class MultiplicativeLR(Schedule):
    """The rate of the last step times a given function of this one.

    Formula: rate(0) = learning_rate, rate(t) = rate(t - 1) lr_lambda(t)
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for a function that cannot be called or a t that is no integer,
        ValueError for a negative rate or t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.MultiplicativeLR. No difference. Where it takes over in a
        SequentialLR, it goes on from the rate before, times lr_lambda(0).
    """

    def __init__(self, learning_rate, lr_lambda):
        super().__init__(learning_rate)
        self.lr_lambda = _checks.check_callable(self, lr_lambda=lr_lambda)
        self.rates = [learning_rate]

    def rate(self, t):
        _checks.check_integer(self, minimum=0, method="__call__", t=t)
        while len(self.rates) <= t:
            self.rates.append(self.rates[-1] * self.lr_lambda(len(self.rates)))
        return self.rates[t]

    def advance(self, rate, t):
        return rate * self.lr_lambda(t) if t else rate

    def resume(self, rate, t):
        for place in range(t + 1):
            rate *= self.lr_lambda(place)
        return rate


class StepLR(DecaySchedule):
    """The rate falls by a factor every `step_size` steps.

    Formula: rate(t) = learning_rate gamma^floor(t / step_size)
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.StepLR, which multiplies step by step and so rounds
        differently.
    """

    def __init__(self, learning_rate, step_size, gamma=0.1):
        super().__init__(learning_rate, gamma)
        self.step_size = _checks.check_integer(self, step_size=step_size)

    def falls(self, t):
        return t // self.step_size


class MultiStepLR(DecaySchedule):
    """The rate falls by a factor at each milestone.

    Formula: rate(t) = learning_rate gamma^(the number of milestones <= t, repeated ones as often)
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.MultiStepLR, which multiplies step by step and so rounds
        differently.
    """

    def __init__(self, learning_rate, milestones, gamma=0.1):
        super().__init__(learning_rate, gamma)
        milestones = _checks.check_axes(self, minimum_axes=0, milestones=milestones)
        self.milestones = sorted(milestones)

    def falls(self, t):
        return bisect.bisect_right(self.milestones, t)


class ConstantLR(FactorSchedule):
    """A reduced rate for the first `total_iters` steps.

    Formula: rate(t) = learning_rate factor for t < total_iters, learning_rate afterwards
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.ConstantLR, which divides by the factor again and so rounds
        differently; with a factor of 0 its rate stays 0 or it divides by zero. total_iters = 0,
        of which its two forms make two things, is refused.
    """

    def __init__(self, learning_rate, factor=1 / 3, total_iters=5):
        super().__init__(learning_rate)
        self.reduction = _checks.check_fraction(self, factor=factor)
        self.total_iters = _checks.check_integer(self, total_iters=total_iters)

    def factor(self, t):
        return self.reduction if t < self.total_iters else 1.0


class LinearLR(FactorSchedule):
    """A rate that goes straight from one factor to another: a warm-up.

    Formula: rate(t) = learning_rate (a + (b - a) min(t, total_iters) / total_iters)
        with a = start_factor and b = end_factor.
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: Goyal and others (2017), Accurate, large minibatch SGD, section 2.2, arXiv 1706.02677.
    PyTorch: torch.optim.lr_scheduler.LinearLR, which multiplies step by step and so rounds
        differently.
    """

    def __init__(self, learning_rate, start_factor=1 / 3, end_factor=1.0, total_iters=5):
        super().__init__(learning_rate)
        self.start_factor = _checks.check_fraction(self, start_factor=start_factor)
        _checks.check_positive(self, start_factor=start_factor)
        self.end_factor = _checks.check_fraction(self, end_factor=end_factor)
        self.total_iters = _checks.check_integer(self, total_iters=total_iters)

    def factor(self, t):
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * min(self.total_iters, t) / self.total_iters


class ExponentialLR(DecaySchedule):
    """The rate falls by a factor every step.

    Formula: rate(t) = learning_rate gamma^t
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.ExponentialLR, which multiplies step by step and so rounds
        differently.
    """

    def falls(self, t):
        return t


class PolynomialLR(FactorSchedule):
    """The rate falls to 0 in `total_iters` steps, along a power.

    Formula: rate(t) = learning_rate (1 - min(t, total_iters) / total_iters)^power
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.PolynomialLR, which multiplies step by step and so rounds
        differently.
    """

    def __init__(self, learning_rate, total_iters=5, power=1.0):
        super().__init__(learning_rate)
        self.total_iters = _checks.check_integer(self, total_iters=total_iters)
        self.power = _checks.check_nonnegative(self, power=power)

    def factor(self, t):
        return (1.0 - min(self.total_iters, t) / self.total_iters) ** self.power


class SequentialLR(Schedule):
    """One schedule after another, each from its own step 0.

    Formula: rate(t) = schedulers[i](t - m), with i the number of milestones <= t and m the last of
        them.
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an entry that is no schedule, ValueError for a number of milestones other
        than one less than the schedules, or milestones that fall; for a negative t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.SequentialLR. No difference, as long as its schedulers agree
        on the optimizer's first rate (OneCycleLR sets its own for all).
    """

    def __init__(self, schedulers, milestones):
        _checks.check_instances(self, Schedule, schedulers=schedulers)
        _checks.check_milestones(self, len(schedulers) - 1, milestones=milestones)
        super().__init__(schedulers[0].learning_rate)
        self.schedulers, self.milestones = list(schedulers), list(milestones)

    def place(self, t):
        """The schedule of step t and its own step; whether it took over from another."""
        index = bisect.bisect_right(self.milestones, t)
        begin = self.milestones[index - 1] if index else 0
        return self.schedulers[index], t - begin, begin > 0

    def rate(self, t):
        schedule, own, follows = self.place(t)
        return schedule.resume(self.rate(t - own - 1), own) if follows else schedule.rate(own)

    def advance(self, rate, t):
        schedule, own, follows = self.place(t)
        return schedule.resume(rate, 0) if follows and own == 0 else schedule.advance(rate, own)


class ChainedScheduler(Schedule):
    """Several schedules at once, each changing the rate that the one before leaves.

    Formula: rate(t): from rate(t - 1), each schedule in turn multiplies by its own ratio
        factor(t) / factor(t - 1); one that is no constant times a factor sets its own rate.
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an entry that is no schedule or a t that is no integer, ValueError for an
        empty list or a negative t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.ChainedScheduler. No difference but in rounding.
    """

    def __init__(self, schedulers):
        _checks.check_instances(self, Schedule, schedulers=schedulers)
        super().__init__(schedulers[0].learning_rate)
        self.schedulers = list(schedulers)
        self.rates = []

    def rate(self, t):
        _checks.check_integer(self, minimum=0, method="__call__", t=t)
        while len(self.rates) <= t:
            before = self.rates[-1] if self.rates else self.learning_rate
            self.rates.append(self.advance(before, len(self.rates)))
        return self.rates[t]

    def advance(self, rate, t):
        for schedule in self.schedulers:
            rate = schedule.advance(rate, t)
        return rate


class ReduceLROnPlateau:
    """The rate falls by a factor once a metric has not got better for a while.

    Formula: step(metric) counts the steps in a row in which the metric was not better than the best
        by the threshold; once they are more than `patience`, the rate becomes
        max(factor learning_rate, min_lr) if that is lower by more than eps, and the count starts
        again; the next `cooldown` steps do not count.
        Better is, for mode "min", metric < best (1 - threshold) for threshold_mode "rel" and
        metric < best - threshold for "abs"; for mode "max", metric > best (1 + threshold) and
        metric > best + threshold.
    Derivative: none.
    Shapes: the metric is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.ReduceLROnPlateau. No difference: a metric of NaN is no
        better, and a relative threshold asks for less, not more, of a negative best.
    """

    def __init__(
        self,
        learning_rate,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0.0,
        eps=1e-8,
    ):
        self.learning_rate = _checks.check_nonnegative(self, learning_rate=learning_rate)
        self.mode = _checks.check_choice(self, ("min", "max"), mode=mode)
        self.factor = _checks.check_number(self, factor=factor)
        _checks.check_below(self, ("1", 1), factor=factor)
        self.patience = _checks.check_number(self, patience=patience)
        self.threshold = _checks.check_number(self, threshold=threshold)
        _checks.check_choice(self, ("rel", "abs"), threshold_mode=threshold_mode)
        self.threshold_mode = threshold_mode
        self.cooldown = _checks.check_number(self, cooldown=cooldown)
        self.min_lr = _checks.check_number(self, min_lr=min_lr)
        self.eps = _checks.check_number(self, eps=eps)
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_steps = self.cooldown_left = 0

    def step(self, metric):
        """Take in the metric of a step; returns the rate of the next."""
        metric = float(metric)
        self.bad_steps += 1
        if self.is_better(metric):
            self.best, self.bad_steps = metric, 0
        if self.cooldown_left > 0:
            self.cooldown_left, self.bad_steps = self.cooldown_left - 1, 0
        if self.bad_steps > self.patience:
            reduced = max(self.learning_rate * self.factor, self.min_lr)
            if self.learning_rate - reduced > self.eps:
                self.learning_rate = reduced
            self.cooldown_left, self.bad_steps = self.cooldown, 0
        return self.learning_rate

    def is_better(self, metric):
        """Whether a metric beats the best one by the threshold."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            bar = self.best * (1.0 + sign * self.threshold)
        else:
            bar = self.best + sign * self.threshold
        return metric > bar if self.mode == "max" else metric < bar
