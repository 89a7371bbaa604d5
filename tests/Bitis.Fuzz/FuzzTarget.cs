namespace Bitis.Fuzz;

/// <summary>A kind of file that is changed and fed.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Write">Writes a changed copy of the original.</param>
/// <param name="Use">Uses the file; false if it was opened but is too large to run here. The number says how
/// thoroughly.</param>
internal sealed record FuzzTarget(string Name, Action<string, Random> Write, Func<string, Random, bool> Use);
