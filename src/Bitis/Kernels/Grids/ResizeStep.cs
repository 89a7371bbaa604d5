namespace Bitis.Kernels.Grids;

/// <summary>Where a row or a column of the output of <see cref="BilinearResize"/> lies in the input.</summary>
/// <param name="First">The row or column before it.</param>
/// <param name="Second">The one after it.</param>
/// <param name="FirstShare">The share of the one before it.</param>
/// <param name="SecondShare">The share of the one after it.</param>
internal readonly record struct ResizeStep(int First, int Second, float FirstShare, float SecondShare);
