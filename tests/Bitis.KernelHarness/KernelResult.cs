namespace Bitis.KernelHarness;

/// <summary>An output of a kernel.</summary>
/// <param name="Reset">Makes it hold what it holds before a run.</param>
/// <param name="Copy">Copies what it holds.</param>
internal sealed record KernelResult(Action Reset, Func<Array> Copy);
