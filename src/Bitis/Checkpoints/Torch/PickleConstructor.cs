namespace Bitis.Checkpoints.Torch;

/// <summary>Builds plain data from the arguments that a pickle passes to an allowed Python class or function.</summary>
/// <exception cref="BitisException">The arguments are not what PyTorch writes; the message has no file or
/// place.</exception>
internal delegate object? PickleConstructor(object?[] arguments, PickleBudget budget);
