namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>Builds plain data from the arguments that a pickle passes to a Python class or function.</summary>
/// <returns>The data, or <see cref="PickleClass.NotPlain"/> for arguments of another form.</returns>
internal delegate object? PickleConstructor(object?[] arguments, PickleBudget budget);
