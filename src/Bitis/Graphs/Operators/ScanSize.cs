namespace Bitis.Graphs.Operators;

/// <summary>The size of a selective scan.</summary>
/// <param name="Channels">The number of channels.</param>
/// <param name="States">The number of states a channel has.</param>
internal sealed record ScanSize(int Channels, int States);
